module muster.local/load

go 1.26

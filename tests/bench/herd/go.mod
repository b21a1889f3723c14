module muster.local/herd

go 1.26

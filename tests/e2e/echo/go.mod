module muster.local/echo

go 1.26

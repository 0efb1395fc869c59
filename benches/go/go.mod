module atlas/benches/go

go 1.21

"""What this project uses of zeep, whose own functions are not typed."""

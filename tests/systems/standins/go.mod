// Stand-ins for programs that can't be had here, in static binaries for any architecture. Standard library only.
module seatrial/standins

go 1.19

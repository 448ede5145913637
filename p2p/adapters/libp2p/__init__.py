"""Links over libp2p: TCP, Noise, Yamux, one stream a neighbour (docs/adr/0003)."""

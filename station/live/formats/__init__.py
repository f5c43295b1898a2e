"""Media formats of the broadcast: ISO BMFF boxes, CMAF, H.264, VP8, AAC."""

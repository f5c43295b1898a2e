"""From a publisher's packets to every subscriber's: layers, NACK and RTX, the forwarding loop."""

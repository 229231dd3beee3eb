"""What the incident document tells beyond its parts: in sentences, in the order of time, in ATT&CK's words. Pure."""

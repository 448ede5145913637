"""What is drawn, and may be named in a legend."""

class Artist:
    def get_label(self) -> object: ...

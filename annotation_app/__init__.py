"""The annotation app: pages over oceanchat.annotation."""

"""What one machine needs to run opsadmin by itself: servers, demo, translations."""

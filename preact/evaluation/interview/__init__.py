"""Ask every question of an inventory and store the answers."""

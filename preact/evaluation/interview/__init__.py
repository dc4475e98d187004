"""Ask every question of an inventory and keep the answers."""

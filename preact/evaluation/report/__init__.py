"""Tables, plots and the page that holds them."""

"""What the API answers, a module per part of the page; the routes are in `routes`."""

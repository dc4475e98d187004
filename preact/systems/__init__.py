"""Everything that can speak as a persona: trained runs, prompted models, control vectors, endpoints."""

"""What starts a contained program. It starts often, so it imports next to nothing: no `typing`,
`enum` (and so no `signal`), `json`, `re` or `platform`.
"""

"""Is everything there that the work needs?"""

"""The networks: Φ, η, Ψ, D and their composition."""

"""Who may carry an operation out: this machine, or a service that its owner has set up."""

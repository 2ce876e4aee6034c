"""Who may do what, and who did what? Accounts, roles, the one decision point for permission, and the audit trail."""

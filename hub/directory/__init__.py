"""The directory: companies, departments, teams, users and employees, as HR tells them."""

"""What is measured of incidents, runs, sign-ins and the app itself, and how it is handed out."""

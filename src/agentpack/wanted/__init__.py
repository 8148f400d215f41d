"""What should be there: releases are chosen, each persona goes to its clients, and every file is rendered."""

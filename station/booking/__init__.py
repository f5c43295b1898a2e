"""Who meets whom, when: rota, slots, holds, bookings."""

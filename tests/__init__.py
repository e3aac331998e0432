"""Tests of gradcheck and of the reference networks; they mirror both packages."""

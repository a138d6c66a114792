"""Methods that break the contract, one way each: for the tests of those who meet them."""

"""The demo: a hub with the people and the learning of an invented company. Nothing here is needed by the hub itself."""

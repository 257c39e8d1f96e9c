Panel = object

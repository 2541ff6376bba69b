"""What was observed, as frozen types. One file a noun; derived properties only, no I/O.

A property that a test compares with ``[]`` returns findings. A property whose facts could not be observed raises
`CouldNotLook`. Facts know words and nothing else of the engine; the profile's nodes reach them as plain attributes.
"""

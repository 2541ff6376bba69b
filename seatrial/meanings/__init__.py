"""What an alert is meant to tell, and the series that a deployment would show when it is so, and when it is just not so.

Series are made from the declared meaning and the metric's documented labels, never from what the rule's expression selects:
a rule that selects what is not there must stay silent here as it would there.
"""

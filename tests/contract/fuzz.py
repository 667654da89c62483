def fuzz(*a): print(a)

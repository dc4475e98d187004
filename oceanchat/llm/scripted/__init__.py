"""The parts of the scripted model: lexica, topics, answers, questions and evidence, all deterministic."""

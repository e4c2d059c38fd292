"""The program inside a job: started by path, with the job's own Python (3.8 and later).

It imports ``protocol`` and nothing else of ours. Built into a zipapp by `engines.runner_app`.
"""

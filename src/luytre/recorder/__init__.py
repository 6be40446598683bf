"""Floor 2: pulls cameras and hands parts to the archive. Small and boring; standard library only
(design/floors.md, wall 3).
"""

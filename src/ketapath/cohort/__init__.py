"""What do many patients teach together, and what would a trial on them find?"""

from ketapath.cohort.design import TRUTHS, Design
from ketapath.cohort.design_file import changed, read_design
from ketapath.cohort.ready import ready
from ketapath.cohort.tally import Sums
from ketapath.cohort.trial import Chunk, Mapper, Progress, run

__all__ = ["TRUTHS", "Chunk", "Design", "Mapper", "Progress", "Sums", "changed", "read_design", "ready", "run"]

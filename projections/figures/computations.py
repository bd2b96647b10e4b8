"""Which computation gives the rows of which table."""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.figures import DASHBOARD, MONITORING
from projections.figures import dashboard, monitoring
from projections.figures.base import Computation

COMPUTATIONS: Mapping[str, Computation] = {MONITORING: monitoring.compute, DASHBOARD: dashboard.compute}

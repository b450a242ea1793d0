"""How alike rows are."""

from __future__ import annotations

import numpy as np

from ganforge.core.kernels import centred_kernel


def test_three_points_on_a_line_by_hand():
    # Squared distances 0, 1, 4, whose median over all nine is 1; the kernel's entries are 1, e⁻¹ and e⁻⁴.
    kernel = np.exp(-np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 1.0], [4.0, 1.0, 0.0]]))
    centre = np.eye(3) - 1 / 3
    found = centred_kernel(np.array([[0.0], [1.0], [2.0]]))
    np.testing.assert_allclose(found, centre @ kernel @ centre, atol=1e-15)

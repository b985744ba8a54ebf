"""
Two parts of the cost Hessian
=============================

Away from the solution the Hessian of the cost has a part proportional to the errors. It falls as √C while the network
learns, until the part that remains is all there is (paper 2, Fig. 2).
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.delaunay(64, seed=4, mean_degree=None, spacing=0.7)
task = ol.Task(currents={3: 1.0, 60: -1.0}, targets=[(12, 40)], target_voltages=[1.0])
marks = np.logspace(-1, -8, 15) * 0.5
trained = ol.descend(net, task, until=1e-10, costs=marks)
course = ol.analysis.hessian_trajectory(net, task, trained.history)

fig, ax = plt.subplots(layout="constrained")
ax.loglog(course.cost, course.ratio, "o-", label="‖dynamic‖ / ‖satisfied‖")
ax.loglog(course.cost, 1 - course.alignment, "s-", label="1 - alignment")
ax.set(xlabel="cost C (V²)")
ax.invert_xaxis()
ax.legend()

# %%
late = course.cost < 1e-4
exponents = [np.polyfit(np.log(course.cost[late]), np.log(y[late]), 1)[0]
             for y in (course.ratio, 1 - course.alignment)]
print("as powers of C: {:.3f}, {:.3f}".format(*exponents))
assert abs(exponents[0] - 0.5) < 0.02
assert abs(exponents[1] - 1.0) < 0.06

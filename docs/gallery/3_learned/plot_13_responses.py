"""
Weak spots from measurements alone
==================================

Known random currents and the voltages that they cause tell the softest mode of a network without looking into it:
the crack is found with no knowledge of the task (paper 2, below Eq. 13).
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol

net = ol.Network.delaunay(64, seed=4, mean_degree=None, spacing=0.7)
task = ol.Task(currents={3: 1.0, 60: -1.0}, targets=[(12, 40)], target_voltages=[20.0])
trained = ol.descend(net, task)
truth = ol.soft.soft_mode(net, trained.conductances)

counts = [4, 8, 16, 32, 64]
cosine = []
for count in counts:
    seen = ol.analysis.measure_responses(net, trained.conductances, count, noise=0.01, seed=1).soft_mode(net)
    cosine.append(abs(seen.mode @ truth.mode))

fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
axes[0].loglog(counts, 1 - np.array(cosine), "o-")
axes[0].set(xlabel="measurements", ylabel="1 - |cosine| with the true soft mode")
axes[0].set_xticks(counts, counts)
axes[0].minorticks_off()
net.plot(axes[1], nodes=seen.mode, node_label="measured soft mode", edges=trained.conductances,
         task=task)

# %%
same = np.mean(seen.sectors == truth.sectors)
for count, found in zip(counts, cosine, strict=True):
    print(f"{count} measurements: |cosine| = {found:.5f}")
print(f"{max(same, 1 - same):.0%} of the nodes in the right sector")
assert cosine[-1] > 0.999
assert max(same, 1 - same) > 0.95

"""
The network becomes what it learned
===================================

After training, the softest mode of the power over voltages shows the task: the stiffest mode of the cost over
conductances is the square of its drops (paper 2, Eq. 13).
"""
import matplotlib.pyplot as plt
import ohmlearn as ol

net = ol.Network.delaunay(100, seed=1, mean_degree=None, spacing=0.7)
task = ol.Task(currents={3: 1.0, 90: -1.0}, targets=[(20, 70)], target_voltages=[30.0])
trained = ol.descend(net, task)
account = ol.soft.soft_approximation(net, task, trained.conductances)

fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
net.plot(axes[0], nodes=account.soft.mode, node_label="soft mode", edges=trained.conductances)
net.plot(axes[1], edges=account.stiff[1], edge_label="stiff mode", task=task)
axes[0].set_title("softest mode of the power")
axes[1].set_title("stiffest mode of the cost")

# %%
print(f"λ₂/λ₁ = {account.soft.gap:.1f}, overlap {account.overlap:.5f}, "
      f"λ^L exact {account.stiff[0]:.4g} and by Eq. 15 {account.eigenvalue:.4g}")
assert account.soft.gap > 10
assert account.overlap > 0.99
assert abs(account.eigenvalue / account.stiff[0] - 1) < 0.1

"""
Iris, learned by a resistor network
===================================

Four features are held as voltages at four nodes of a random network, beside a node at 1 V and a ground; three nodes
answer, and the largest voltage tells the species. Training lowers the mean cost over the samples: an output that does
not lead by the margin is nudged to where it would.

Conductances are not negative, so every output is a mean of the held voltages, with weights >= 0 that sum to 1. That
bounds what a network can compute. It does not bound which of three outputs is the largest, for a common voltage may be
added to all of them: any linear classifier can be had. What is lost is signal: where two classes meet, outputs differ
by millivolts. The best of all such maps is a convex fit, ``ideal``; the network comes near it if it has enough paths.
"""
import matplotlib.pyplot as plt
import numpy as np
import ohmlearn as ol
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_iris(return_X_y=True)
folds = StratifiedKFold(5, shuffle=True, random_state=0)

net = ol.Network.random(30, 8, seed=1)
network = ol.learn.CoupledClassifier(net, inputs=[0, 1, 2, 3], bias=4, ground=5, outputs=[6, 7, 8],
                               margin=0.02)
learned = cross_val_score(network, X, y, cv=folds).mean()
best = np.mean([network.ideal(X[a], y[a]).score(X[b], y[b]) for a, b in folds.split(X, y)])
plain = make_pipeline(StandardScaler(), LogisticRegression())
logistic = cross_val_score(plain, X, y, cv=folds).mean()
print(f"accuracy on samples not seen: network {learned:.3f}, logistic regression {logistic:.3f}")
print(f"best linear map with weights >= 0: {best:.3f}")
assert abs(learned - best) <= 0.03
assert learned >= logistic - 0.03

# %%
# What the trained network answers. Setosa stands out by hundreds of millivolts; versicolor and virginica, which
# overlap, differ by tens.
network.fit(X, y)
outputs = network.decision_function(X)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for k, name in enumerate(load_iris().target_names):
    lead = outputs - outputs.mean(axis=1, keepdims=True)
    left.plot(1e3 * lead[y == k, 0], 1e3 * lead[y == k, 2], "o", ms=4, alpha=0.7, label=name)
left.set(xlabel="output 0 above the mean (mV)", ylabel="output 2 above the mean (mV)")
left.legend()
right.semilogy(network.costs_)
right.axhline(network.ideal(X, y).cost_, ls="--", color="0.4", label="best linear map, weights >= 0")
right.set(xlabel="epoch", ylabel="mean cost (V²)")
right.legend()

"""Whole training steps: forward, loss, backward, optimizer."""
import pytest


def trainer(t, net, optimizer, inputs, target, loss):
    """A call that does one step."""
    def step():
        optimizer.zero_grad()
        out = net(*inputs)
        loss(out, target).backward()
        optimizer.step()
    return step


def mlp(t):
    nn = t.nn
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    return trainer(t, net, t.optim.Adam(net.parameters()), [t.randn(64, 784)], t.randint(10, (64,)), nn.functional.cross_entropy)


def mlp_small_sgd(t):
    nn = t.nn
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    return trainer(t, net, t.optim.SGD(net.parameters(), lr=0.01), [t.randn(8, 8)], t.randn(8, 4), nn.functional.mse_loss)


def lenet(t):
    nn = t.nn
    net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return trainer(t, net, t.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), [t.randn(32, 1, 28, 28)], t.randint(10, (32,)), nn.functional.cross_entropy)


def alexnet_small(t):
    nn = t.nn
    net = nn.Sequential(nn.Conv2d(3, 32, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(32, 96, 5, padding=2), nn.ReLU(),
                        nn.MaxPool2d(3, 2), nn.Conv2d(96, 192, 3, padding=1), nn.ReLU(), nn.Conv2d(192, 128, 3, padding=1), nn.ReLU(),
                        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(128 * 3 * 3, 256), nn.ReLU(), nn.Linear(256, 10))
    return trainer(t, net, t.optim.SGD(net.parameters(), lr=0.01, momentum=0.9), [t.randn(8, 3, 64, 64)], t.randint(10, (8,)), nn.functional.cross_entropy)


def char_lstm(t):
    """Two layers of 200, 35 characters of 20 texts."""
    nn = t.nn
    embedding, lstm, head = nn.Embedding(64, 200), nn.LSTM(200, 200, 2), nn.Linear(200, 64)
    net = nn.ModuleList([embedding, lstm, head])
    optimizer = t.optim.SGD(net.parameters(), lr=0.1)
    text, target = t.randint(64, (35, 20)), t.randint(64, (35 * 20,))

    def step():
        optimizer.zero_grad()
        out, _ = lstm(embedding(text))
        nn.functional.cross_entropy(head(out).view(-1, 64), target).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.25)
        optimizer.step()
    return step


def transformer_layer(t):
    nn = t.nn
    net = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
    return trainer(t, net, t.optim.AdamW(net.parameters()), [t.randn(8, 32, 128)], t.randn(8, 32, 128), nn.functional.mse_loss)


@pytest.mark.parametrize("make", [mlp_small_sgd, mlp, lenet, alexnet_small, char_lstm, transformer_layer], ids=lambda make: make.__name__)
def test_step(paired, make):
    def seeded(t):
        t.manual_seed(0)
        return make(t)
    paired(seeded)

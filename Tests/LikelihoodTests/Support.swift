import Likelihood

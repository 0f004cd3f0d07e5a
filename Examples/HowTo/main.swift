// Runs the code of every how-to article of the products' documentation. The argument is a folder for files.

let folder = CommandLine.arguments.dropFirst().first ?? "."
try trainingAModel()
try savingAndLoading(folder + "/weights.safetensors")
try makingANetwork()
try guidingSamples()
try diffusingPoints()
try flowingPoints()
try encodingPoints()
try trainingInTurn()
try exactDensities()
try classifyingImages()
try divergencesAndDraws()
try drawingToyData()
try drawingASampleGrid(folder + "/sheet.png")
try readingSafetensors(folder + "/arrays.safetensors")
try handlingErrors(folder + "/missing.safetensors")

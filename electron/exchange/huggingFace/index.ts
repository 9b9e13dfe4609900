export { assumedTokenizer, type ExtraRows, extraRows, fitTokenizer, type Fitted, padded } from './fitTokenizer.ts';
export { type HuggingFaceModel, openHuggingFaceModel } from './read.ts';
export { readTokenizer, type ReadTokenizerOptions } from './readTokenizer.ts';
export { tokenizerFiles } from './tokenizer.ts';
export {
  type ExportDtype,
  exportDtypes,
  type ModelExport,
  partialOf,
  tidyExport,
  writeHuggingFaceModel,
} from './write.ts';

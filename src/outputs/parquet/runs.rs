//! A column chunk whose values repeat for many rows, encoded from runs.
//!
//! Points, scores and labels stay the same for hours. Parquet's own writer looks up each value of each row in its
//! dictionary; here, each run is looked up once. The pages are the same to the byte: they end at the same rows, and the
//! footer describes them with the same fields.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, LevelHistogram, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::hybrid::{Hybrid, pack};

/// Rows with the same value: its key, or none for null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The place of the value in the dictionary, by first appearance; 0 or 1 for a boolean.
    pub(super) key: Option<u32>,
    pub(super) rows: usize,
}

/// The compression of all pages, with a context that is used again for each of them.
pub(super) struct Zstd(zstd::bulk::Compressor<'static>);

impl Zstd {
    pub(super) fn new() -> Result<Self> {
        let level = ZstdLevel::default().compression_level();
        Ok(Self(zstd::bulk::Compressor::new(level)?))
    }
}

/// What the footer says of a chunk besides its pages.
#[derive(Default)]
pub(super) struct Described {
    /// The dictionary: its values in Parquet's plain encoding, and their number. `None` for booleans.
    pub(super) dictionary: Option<(Vec<u8>, usize)>,
    /// `None` if the column has no statistics.
    pub(super) statistics: Option<Statistics>,
}

/// A chunk that grows by runs.
pub(super) struct RunColumn {
    descr: ColumnDescPtr,
    /// The rows at which Parquet's writer ends a page.
    page_rows: usize,
    /// The rows after which Parquet's writer looks whether a page is full.
    batch_rows: usize,
    /// The bytes of each value by its key; empty if the values have a fixed size.
    sizes: Vec<usize>,
    most_key: u32,
    page: PageRuns,
    pages: Vec<FinishedPage>,
}

/// The runs of the page that is being filled.
#[derive(Default)]
struct PageRuns {
    runs: Vec<Run>,
    rows: usize,
}

struct FinishedPage {
    content: Vec<u8>,
    rows: usize,
    nulls: usize,
    /// The bytes of all values, without their lengths; `None` if the values have a fixed size.
    value_bytes: Option<usize>,
}

impl PageRuns {
    fn push(&mut self, run: Run) {
        self.rows += run.rows;
        match self.runs.last_mut().filter(|last| last.key == run.key) {
            Some(last) => last.rows += run.rows,
            None => self.runs.push(run),
        }
    }
}

impl RunColumn {
    pub(super) fn new(descr: ColumnDescPtr, properties: &WriterProperties) -> Self {
        let (page_rows, batch_rows) = (properties.data_page_row_count_limit(), properties.write_batch_size());
        let page = PageRuns::default();
        Self { descr, page_rows, batch_rows, sizes: Vec::new(), most_key: 0, page, pages: Vec::new() }
    }

    /// Adds the size in bytes of the value with the next key.
    pub(super) fn add_size(&mut self, bytes: usize) {
        self.sizes.push(bytes);
    }

    /// Adds the rows of one batch.
    pub(super) fn write(&mut self, batch: &[Run]) {
        let (rows, nulls) = count(batch);
        // Parquet's writer takes nullable rows a page at a time if all of them are null or none is.
        let is_uniform = self.is_nullable() && (nulls == 0 || nulls == rows);
        let step = if is_uniform { self.page_rows } else { self.batch_rows };
        let (mut until_check, mut left) = (step.min(rows), rows);
        for &Run { key, rows: mut of_run } in batch {
            self.most_key = self.most_key.max(key.unwrap_or(0));
            while of_run > 0 {
                let rows = of_run.min(until_check);
                self.page.push(Run { key, rows });
                (of_run, until_check, left) = (of_run - rows, until_check - rows, left - rows);
                if until_check == 0 {
                    if self.page.rows >= self.page_rows {
                        self.end_page();
                    }
                    until_check = step.min(left);
                }
            }
        }
    }

    fn is_nullable(&self) -> bool {
        self.descr.max_def_level() > 0
    }

    fn is_boolean(&self) -> bool {
        self.descr.physical_type() == parquet::basic::Type::BOOLEAN
    }

    fn end_page(&mut self) {
        let PageRuns { runs, rows } = std::mem::take(&mut self.page);
        let mut content = Vec::new();
        if self.is_nullable() {
            let mut levels = Hybrid::new(1);
            runs.iter().for_each(|run| levels.put(u32::from(run.key.is_some()), run.rows));
            let levels = levels.finish();
            content.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            content.extend(levels);
        }
        let values = || runs.iter().filter_map(|run| run.key.map(|key| (key, run.rows)));
        if self.is_boolean() {
            let bits: Vec<u32> = values().flat_map(|(key, rows)| std::iter::repeat_n(key, rows)).collect();
            pack(&bits, 1, &mut content);
        } else {
            // The width of the values so far: the dictionary may still grow.
            let width = u32::BITS - self.most_key.leading_zeros();
            content.push(width as u8);
            let mut keys = Hybrid::new(width);
            values().for_each(|(key, rows)| keys.put(key, rows));
            content.extend(keys.finish());
        }
        let value_bytes =
            (!self.sizes.is_empty()).then(|| values().map(|(key, rows)| self.sizes[key as usize] * rows).sum());
        let (_, nulls) = count(&runs);
        self.pages.push(FinishedPage { content, rows, nulls, value_bytes });
    }

    /// Ends the chunk: its bytes, and what the footer says of it.
    pub(super) fn close(mut self, described: Described, zstd: &mut Zstd) -> Result<(Bytes, ColumnCloseResult)> {
        if self.page.rows > 0 {
            self.end_page();
        }
        let mut written = WrittenPages::default();
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut sink);
        let has_dictionary = described.dictionary.is_some();
        if let Some((content, values)) = described.dictionary {
            let compressed = zstd.0.compress(&content)?;
            let page = Page::DictionaryPage {
                buf: compressed.into(),
                num_values: values as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            written.add(&pages.write_page(CompressedPage::new(page, content.len()))?);
        }
        for page in &self.pages {
            let spec = pages.write_page(page.compressed(has_dictionary, zstd)?)?;
            written.add(&spec);
            written.add_to_index(page, &spec);
        }
        let nulls: usize = self.pages.iter().map(|page| page.nulls).sum();
        let metadata = self.metadata(&written, has_dictionary, described.statistics, nulls)?;
        let close = ColumnCloseResult {
            bytes_written: written.compressed as u64,
            rows_written: written.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(written.index.build()),
        };
        Ok((sink.into_inner()?.into(), close))
    }

    fn metadata(
        &self,
        written: &WrittenPages,
        has_dictionary: bool,
        statistics: Option<Statistics>,
        nulls: usize,
    ) -> Result<ColumnChunkMetaData> {
        let of_data = if has_dictionary { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let data_pages = self.pages.len() as i32;
        let stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let mut pages = vec![stats(PageType::DATA_PAGE, of_data, data_pages)];
        if has_dictionary {
            pages.insert(0, stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
        }
        let mut encodings = vec![Encoding::RLE, of_data];
        encodings.extend(has_dictionary.then_some(Encoding::PLAIN));
        let mut builder = ColumnChunkMetaData::builder(self.descr.clone())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(pages)
            .set_total_compressed_size(written.compressed as i64)
            .set_total_uncompressed_size(written.uncompressed as i64)
            .set_num_values(written.rows as i64)
            .set_data_page_offset(written.first_data_page.unwrap_or(0) as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0));
        if let Some(statistics) = statistics {
            let value_bytes = self.pages.iter().map(|page| page.value_bytes).sum::<Option<usize>>();
            let levels = vec![nulls as i64, (written.rows - nulls) as i64];
            builder = builder
                .set_statistics(statistics)
                .set_unencoded_byte_array_data_bytes(value_bytes.map(|bytes| bytes as i64))
                .set_definition_level_histogram(self.is_nullable().then(|| LevelHistogram::from(levels)));
        }
        builder.build()
    }
}

/// The numbers of rows and of nulls.
pub(super) fn count(runs: &[Run]) -> (usize, usize) {
    let rows = runs.iter().map(|run| run.rows).sum();
    (rows, runs.iter().filter(|run| run.key.is_none()).map(|run| run.rows).sum())
}

impl FinishedPage {
    fn compressed(&self, has_dictionary: bool, zstd: &mut Zstd) -> Result<CompressedPage> {
        let page = Page::DataPage {
            buf: zstd.0.compress(&self.content).map_err(ParquetError::from)?.into(),
            num_values: self.rows as u32,
            encoding: if has_dictionary { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN },
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        Ok(CompressedPage::new(page, self.content.len()))
    }
}

/// Sizes and places of the pages written so far, in bytes from the start of the chunk.
struct WrittenPages {
    compressed: usize,
    uncompressed: usize,
    rows: usize,
    first_data_page: Option<u64>,
    index: OffsetIndexBuilder,
}

impl Default for WrittenPages {
    fn default() -> Self {
        let index = OffsetIndexBuilder::new();
        Self { compressed: 0, uncompressed: 0, rows: 0, first_data_page: None, index }
    }
}

impl WrittenPages {
    fn add(&mut self, spec: &PageWriteSpec) {
        self.compressed += spec.compressed_size;
        self.uncompressed += spec.uncompressed_size;
    }

    fn add_to_index(&mut self, page: &FinishedPage, spec: &PageWriteSpec) {
        self.rows += page.rows;
        self.first_data_page = self.first_data_page.or(Some(spec.offset));
        self.index.append_row_count(page.rows as i64);
        self.index.append_unencoded_byte_array_data_bytes(page.value_bytes.map(|bytes| bytes as i64));
        self.index.append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
    }
}

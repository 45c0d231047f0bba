//! The cell of the LSTM (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000) as one operation.
//!
//! Tensors and gradients are candle's. Only the formula of the cell is ours, because as separate operations it takes twice
//! the time: each of them allocates, and `tanh` and `exp` of the standard library are computed one number at a time.

use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Storage, Tensor, WithDType};

/// A number with the hyperbolic tangent of the cell.
pub(super) trait Real: WithDType {
    /// The hyperbolic tangent.
    fn bend(self) -> Self;

    /// The logistic function.
    fn open(self) -> Self {
        let half = Self::from_f64(0.5);
        half + half * (half * self).bend()
    }
}

impl Real for f64 {
    fn bend(self) -> Self {
        self.tanh()
    }
}

impl Real for f32 {
    /// Eigen's rational approximation (`generic_fast_tanh_float`), within 3e-7 of the exact value, which the compiler can
    /// compute for several numbers at once.
    fn bend(self) -> Self {
        let x = self.clamp(-7.905_311_5, 7.905_311_5);
        let y = x * x;
        let over = [-2.760_768_5e-16, 2.000_188e-13, -8.604_672e-11, 5.122_297_1e-8, 1.485_722_4e-5, 6.372_619_3e-4];
        let under = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3];
        let over = over.iter().fold(0.0, |sum, factor| sum * y + factor) * y + 4.893_524_6e-3;
        let under = under.iter().fold(0.0, |sum, factor| sum * y + factor) * y + 4.893_525e-3;
        x * over / under
    }
}

/// Takes the sums of the gates, `[batch, 4 × hidden]` in the order input, forget, candidate, output, and the state of the
/// cell, `[batch, hidden]`. Gives `[2, batch, hidden]`: the output of the cell, and its next state.
pub(super) struct Cell;

impl CustomOp2 for Cell {
    fn name(&self) -> &'static str {
        "lstm-cell"
    }

    fn cpu_fwd(&self, sums: &CpuStorage, l1: &Layout, state: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = l2.shape().dims2()?;
        let out = match sums {
            CpuStorage::F64(_) => f64::to_cpu_storage_owned(forward::<f64>(sums, l1, state, l2, shape)?),
            _ => f32::to_cpu_storage_owned(forward::<f32>(sums, l1, state, l2, shape)?),
        };
        Ok((out, Shape::from((2, shape.0, shape.1))))
    }

    fn bwd(
        &self,
        sums: &Tensor,
        state: &Tensor,
        next: &Tensor,
        by: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (by_sums, by_state) = match sums.dtype() {
            candle_core::DType::F64 => backward::<f64>(sums, state, next, by)?,
            _ => backward::<f32>(sums, state, next, by)?,
        };
        Ok((Some(by_sums), Some(by_state)))
    }
}

fn forward<R: Real>(
    sums: &CpuStorage,
    of_sums: &Layout,
    state: &CpuStorage,
    of_state: &Layout,
    (batch, hidden): (usize, usize),
) -> Result<Vec<R>> {
    let (sums, state) = (slice::<R>(sums, of_sums)?, slice::<R>(state, of_state)?);
    let mut out = vec![R::from_f64(0.0); 2 * batch * hidden];
    let (outputs, nexts) = out.split_at_mut(batch * hidden);
    let rows = sums.chunks_exact(4 * hidden).zip(state.chunks_exact(hidden));
    for ((sums, state), (output, next)) in
        rows.zip(outputs.chunks_exact_mut(hidden).zip(nexts.chunks_exact_mut(hidden)))
    {
        let [input, forget, candidate, out] = quarters(sums);
        for unit in 0..hidden {
            next[unit] = forget[unit].open() * state[unit] + input[unit].open() * candidate[unit].bend();
            output[unit] = out[unit].open() * next[unit].bend();
        }
    }
    Ok(out)
}

/// The derivatives with respect to the sums of the gates and to the state, from those with respect to what the cell gave.
fn backward<R: Real>(sums: &Tensor, state: &Tensor, next: &Tensor, by: &Tensor) -> Result<(Tensor, Tensor)> {
    let (batch, hidden) = state.dims2()?;
    let by = by.contiguous()?;
    let (s, of_s) = sums.storage_and_layout();
    let (c, of_c) = state.storage_and_layout();
    let (n, of_n) = next.storage_and_layout();
    let (b, of_b) = by.storage_and_layout();
    let (s, c) = (slice::<R>(on_cpu(&s)?, of_s)?, slice::<R>(on_cpu(&c)?, of_c)?);
    let nexts = &slice::<R>(on_cpu(&n)?, of_n)?[batch * hidden..];
    let (by_output, by_next) = slice::<R>(on_cpu(&b)?, of_b)?.split_at(batch * hidden);
    let mut by_sums = vec![R::from_f64(0.0); 4 * batch * hidden];
    let mut by_state = vec![R::from_f64(0.0); batch * hidden];
    let one = R::from_f64(1.0);
    for (row, (by_sums, by_state)) in
        by_sums.chunks_exact_mut(4 * hidden).zip(by_state.chunks_exact_mut(hidden)).enumerate()
    {
        let [input, forget, candidate, out] = quarters(&s[4 * row * hidden..][..4 * hidden]);
        let of_row = |all: &'_ [R]| row * hidden..(row * hidden + hidden).min(all.len());
        let (state, next) = (&c[of_row(c)], &nexts[of_row(nexts)]);
        let (by_output, by_next) = (&by_output[of_row(by_output)], &by_next[of_row(by_next)]);
        let (by_input, rest) = by_sums.split_at_mut(hidden);
        let (by_forget, rest) = rest.split_at_mut(hidden);
        let (by_candidate, by_out) = rest.split_at_mut(hidden);
        for unit in 0..hidden {
            let (i, f, o) = (input[unit].open(), forget[unit].open(), out[unit].open());
            let (g, bent) = (candidate[unit].bend(), next[unit].bend());
            let total = by_next[unit] + by_output[unit] * o * (one - bent * bent);
            by_out[unit] = by_output[unit] * bent * o * (one - o);
            by_candidate[unit] = total * i * (one - g * g);
            by_input[unit] = total * g * i * (one - i);
            by_forget[unit] = total * state[unit] * f * (one - f);
            by_state[unit] = total * f;
        }
    }
    let device = sums.device();
    let by_sums = Tensor::from_vec(by_sums, (batch, 4 * hidden), device)?;
    Ok((by_sums, Tensor::from_vec(by_state, (batch, hidden), device)?))
}

fn quarters<R>(row: &[R]) -> [&[R]; 4] {
    let (first, second) = row.split_at(row.len() / 2);
    let ((a, b), (c, d)) = (first.split_at(first.len() / 2), second.split_at(second.len() / 2));
    [a, b, c, d]
}

fn on_cpu(storage: &Storage) -> Result<&CpuStorage> {
    match storage {
        Storage::Cpu(storage) => Ok(storage),
        _ => Err(Error::Msg("the cell of the LSTM is only there for the CPU".to_owned())),
    }
}

fn slice<'a, R: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [R]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| Error::Msg("the cell of the LSTM needs contiguous tensors".to_owned()))?;
    Ok(&storage.as_slice::<R>()?[start..end])
}

//! Where the boxes of a graph stand: in layers by the longest path that leads to them, in each layer ordered by the middle
//! of their neighbours so that few lines cross, and as near to these as room allows. Pure, and total: whatever the edges
//! are, each box gets a place, and no two boxes overlap.

/// Between boxes of a layer.
const BESIDE: f64 = 24.0;
/// Between layers, where lines run.
const BETWEEN: f64 = 40.0;
/// The room of a line that passes a layer.
const LANE: f64 = 14.0;
/// How often the order of each layer is improved, downwards and upwards.
const ROUNDS: usize = 4;
/// How many passages through layers lines may have; further ones run straight to their end.
const PASSAGES_MAX: usize = 2_000;

/// A point or an extent, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pair {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// The upper left corner of each box.
    pub(super) places: Vec<Pair>,
    /// The points of each line, from the bottom of a box to the top of another, upright and swinging in turn; empty for an
    /// edge that leads nowhere.
    pub(super) lines: Vec<Vec<Pair>>,
    /// What it needs.
    pub(super) size: Pair,
}

/// A box, or the passage of a line through a layer.
#[derive(Clone, Copy, Debug)]
struct Spot {
    size: Pair,
    layer: usize,
    /// The middle.
    x: f64,
}

/// Spots and what joins those of neighbouring layers.
struct Grid {
    spots: Vec<Spot>,
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    /// The spots of each layer, from the left to the right.
    layers: Vec<Vec<usize>>,
}

/// Lays boxes of these sizes out, with edges from the first to the second of each pair.
pub(super) fn lay_out(boxes: &[Pair], edges: &[(usize, usize)]) -> Layout {
    let edges_known = |&&(from, to): &&(usize, usize)| from < boxes.len() && to < boxes.len() && from != to;
    let known: Vec<(usize, usize)> = edges.iter().filter(edges_known).copied().collect();
    let (mut grid, routes) = Grid::new(boxes, &known);
    grid.order();
    grid.spread();
    let tops = grid.tops();
    let place = |spot: usize| {
        let Spot { size, layer, x } = grid.spots[spot];
        Pair {
            x: x - size.x / 2.0,
            y: tops[layer].0,
        }
    };
    let places: Vec<Pair> = (0..boxes.len()).map(place).collect();
    let size = Pair {
        x: grid
            .spots
            .iter()
            .map(|spot| spot.x + spot.size.x / 2.0)
            .fold(0.0, f64::max),
        y: tops.last().map_or(0.0, |(top, height)| top + height),
    };
    let mut routes = routes.into_iter();
    let lines = edges.iter().map(|edge| match edges_known(&edge) {
        true => grid.line(&routes.next().unwrap_or_default(), &tops),
        false => Vec::new(),
    });
    Layout {
        lines: lines.collect(),
        places,
        size,
    }
}

/// The layer of each box: the longest path that leads to it. What stands in a circle has none and comes first.
fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0_usize; count];
    let mut next = vec![Vec::new(); count];
    for (from, to) in edges {
        waits[*to] += 1;
        next[*from].push(*to);
    }
    let mut free: Vec<usize> = (0..count).filter(|spot| waits[*spot] == 0).collect();
    let mut layers = vec![0; count];
    while let Some(spot) = free.pop() {
        for to in &next[spot] {
            layers[*to] = layers[*to].max(layers[spot] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                free.push(*to);
            }
        }
    }
    for (layer, waits) in layers.iter_mut().zip(&waits) {
        if *waits > 0 {
            *layer = 0;
        }
    }
    layers
}

impl Grid {
    /// The boxes in their layers, and the spots that each edge leads through.
    fn new(boxes: &[Pair], edges: &[(usize, usize)]) -> (Self, Vec<Vec<usize>>) {
        let layer_of = layers(boxes.len(), edges);
        let spots = boxes.iter().zip(&layer_of).map(|(size, layer)| Spot {
            size: *size,
            layer: *layer,
            x: 0.0,
        });
        let mut grid = Self {
            spots: spots.collect(),
            above: vec![Vec::new(); boxes.len()],
            below: vec![Vec::new(); boxes.len()],
            layers: Vec::new(),
        };
        let mut passages = 0;
        let mut routes = Vec::with_capacity(edges.len());
        for (from, to) in edges {
            let between = layer_of[*from] + 1..layer_of[*to];
            let mut route = vec![*from];
            if passages + between.len() <= PASSAGES_MAX {
                passages += between.len();
                route.extend(between.map(|layer| grid.passage(layer)));
            }
            route.push(*to);
            for pair in route.windows(2) {
                grid.below[pair[0]].push(pair[1]);
                grid.above[pair[1]].push(pair[0]);
            }
            routes.push(route);
        }
        let count = layer_of.iter().max().map_or(0, |last| last + 1);
        grid.layers = vec![Vec::new(); count];
        for (index, spot) in grid.spots.iter().enumerate() {
            grid.layers[spot.layer].push(index);
        }
        (grid, routes)
    }

    fn passage(&mut self, layer: usize) -> usize {
        let size = Pair { x: LANE, y: 0.0 };
        self.spots.push(Spot { size, layer, x: 0.0 });
        self.above.push(Vec::new());
        self.below.push(Vec::new());
        self.spots.len() - 1
    }

    /// Orders each layer by the middle of its neighbours, where they stand in their own.
    fn order(&mut self) {
        let mut rank = vec![0.0; self.spots.len()];
        for layer in &self.layers {
            for (place, spot) in layer.iter().enumerate() {
                rank[*spot] = as_f64(place);
            }
        }
        for round in 0..ROUNDS * 2 {
            let is_down = round % 2 == 0;
            let neighbours = if is_down { &self.above } else { &self.below };
            let count = self.layers.len();
            for step in 0..count {
                let layer = &mut self.layers[if is_down { step } else { count - 1 - step }];
                let mut keyed: Vec<(f64, usize)> = layer
                    .iter()
                    .map(|spot| {
                        (
                            middle(&neighbours[*spot], |one| rank[one]).unwrap_or(rank[*spot]),
                            *spot,
                        )
                    })
                    .collect();
                keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
                *layer = keyed.into_iter().map(|(_, spot)| spot).collect();
                for (place, spot) in layer.iter().enumerate() {
                    rank[*spot] = as_f64(place);
                }
            }
        }
    }

    /// Brings spots as near to the middle of their neighbours as the order and the room of each layer allow.
    fn spread(&mut self) {
        let all: Vec<usize> = (0..self.layers.len()).collect();
        for layer in &all {
            self.settle(*layer, |_, _| None);
        }
        for round in 0..ROUNDS * 2 {
            let is_down = round % 2 == 0;
            for step in &all {
                let layer = if is_down { *step } else { all.len() - 1 - step };
                self.settle(layer, |grid, spot| {
                    let neighbours = if is_down { &grid.above[spot] } else { &grid.below[spot] };
                    middle(neighbours, |one| grid.spots[one].x)
                });
            }
        }
        let left = self.spots.iter().map(|spot| spot.x - spot.size.x / 2.0);
        let left = left.fold(f64::INFINITY, f64::min);
        if left.is_finite() {
            self.spots.iter_mut().for_each(|spot| spot.x -= left);
        }
    }

    /// Places the spots of a layer: the least squares of the ways to where each would be, by pooling neighbours that would
    /// stand in each other's way.
    fn settle(&mut self, layer: usize, wanted: impl Fn(&Self, usize) -> Option<f64>) {
        let spots = self.layers[layer].clone();
        let mut offset = 0.0;
        let mut before: Option<Spot> = None;
        let mut pools: Vec<(f64, usize)> = Vec::with_capacity(spots.len());
        let mut offsets = Vec::with_capacity(spots.len());
        for index in &spots {
            let spot = self.spots[*index];
            offset += before.map_or(0.0, |before| f64::midpoint(before.size.x, spot.size.x) + BESIDE);
            before = Some(spot);
            offsets.push(offset);
            let mut pool = (wanted(self, *index).unwrap_or(spot.x) - offset, 1);
            while let Some(last) = pools.pop_if(|last| last.0 >= pool.0) {
                let count = last.1 + pool.1;
                pool.0 = (last.0 * as_f64(last.1) + pool.0 * as_f64(pool.1)) / as_f64(count);
                pool.1 = count;
            }
            pools.push(pool);
        }
        let settled = pools.iter().flat_map(|(at, count)| std::iter::repeat_n(*at, *count));
        for ((index, offset), at) in spots.iter().zip(offsets).zip(settled) {
            self.spots[*index].x = at + offset;
        }
    }

    /// Top and height of each layer.
    fn tops(&self) -> Vec<(f64, f64)> {
        let mut top = 0.0;
        let layers = self.layers.iter().map(|layer| {
            let heights = layer.iter().map(|spot| self.spots[*spot].size.y);
            let (here, height) = (top, heights.fold(0.0, f64::max));
            top += height + BETWEEN;
            (here, height)
        });
        layers.collect()
    }

    /// The points of a line: it leaves at the bottom of a box, is upright to the end of each layer, swings between layers,
    /// and arrives at the top of a box. So its parts are upright and swinging in turn.
    fn line(&self, route: &[usize], tops: &[(f64, f64)]) -> Vec<Pair> {
        let mut points = Vec::with_capacity(route.len() * 2);
        for (place, index) in route.iter().enumerate() {
            let Spot { size, layer, x } = self.spots[*index];
            let (top, height) = tops[layer];
            let is_first = place == 0;
            points.push(Pair {
                x,
                y: if is_first { top + size.y } else { top },
            });
            if place + 1 < route.len() {
                points.push(Pair { x, y: top + height });
            }
        }
        points
    }
}

/// The middle of what a function gives; `None` of nothing.
fn middle(of: &[usize], value: impl Fn(usize) -> f64) -> Option<f64> {
    let sum: f64 = of.iter().map(|one| value(*one)).sum();
    (!of.is_empty()).then(|| sum / as_f64(of.len()))
}

/// Counts of a page are small.
fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Pair = Pair { x: 100.0, y: 50.0 };

    fn of(count: usize, edges: &[(usize, usize)]) -> Layout {
        lay_out(&vec![BOX; count], edges)
    }

    fn assert_apart(boxes: &[Pair], layout: &Layout) {
        for (one, (at, size)) in layout.places.iter().zip(boxes).enumerate() {
            assert!(at.x >= -0.001 && at.x + size.x <= layout.size.x + 0.001, "{layout:?}");
            for (to, of) in layout.places.iter().zip(boxes).skip(one + 1) {
                let beside = at.x + size.x <= to.x + 0.001 || to.x + of.x <= at.x + 0.001;
                let below = at.y + size.y <= to.y || to.y + of.y <= at.y;
                assert!(beside || below, "{layout:?}");
            }
        }
    }

    #[test]
    fn a_chain_is_a_straight_line() {
        let layout = of(3, &[(0, 1), (1, 2)]);
        let xs: Vec<f64> = layout.places.iter().map(|place| place.x).collect();
        assert_eq!(xs, [0.0; 3]);
        assert_eq!(
            layout.size,
            Pair {
                x: 100.0,
                y: 3.0 * 50.0 + 2.0 * BETWEEN
            }
        );
        let bottom = Pair { x: 50.0, y: 50.0 };
        let line = [
            bottom,
            bottom,
            Pair {
                x: 50.0,
                y: 50.0 + BETWEEN,
            },
        ];
        assert_eq!(layout.lines[0], line);
    }

    #[test]
    fn a_box_stands_below_everything_that_it_waits_for_and_a_long_line_passes_beside() {
        let layout = of(4, &[(0, 1), (1, 2), (0, 2), (0, 3), (3, 2)]);
        let ys: Vec<f64> = layout.places.iter().map(|place| place.y).collect();
        assert_eq!(ys, [0.0, 90.0, 180.0, 90.0]);
        assert!((layout.places[0].x - layout.places[2].x).abs() < 0.001, "{layout:?}");
        let passing = layout.lines[2][2];
        for place in [layout.places[1], layout.places[3]] {
            assert!(passing.x < place.x || passing.x > place.x + BOX.x, "{layout:?}");
        }
        assert_apart(&[BOX; 4], &layout);
    }

    #[test]
    fn the_order_follows_the_neighbours_so_that_lines_do_not_cross() {
        let layout = of(6, &[(0, 5), (1, 4), (2, 3)]);
        let x = |index: usize| layout.places[index].x;
        for (from, to) in [(0, 5), (1, 4), (2, 3)] {
            assert!((x(from) - x(to)).abs() < 0.001, "{layout:?}");
        }
    }

    #[test]
    fn whatever_the_edges_are_no_boxes_overlap() {
        // A generator of our own keeps the cases the same for ever.
        let mut seed = 7_u64;
        let mut next = move |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap_or_default() % below.max(1)
        };
        for round in 0..200 {
            let count = next(40);
            let boxes: Vec<Pair> = (0..count)
                .map(|_| Pair {
                    x: as_f64(20 + next(200)),
                    y: as_f64(20 + next(90)),
                })
                .collect();
            // Each second graph has circles, edges to itself and edges that lead nowhere.
            let edges: Vec<(usize, usize)> = (0..next(80))
                .map(|_| (next(count + 2), next(count + 2)))
                .filter(|(from, to)| round % 2 == 0 || (from < to && *to < count))
                .collect();
            let layout = lay_out(&boxes, &edges);
            assert_eq!((layout.places.len(), layout.lines.len()), (count, edges.len()));
            assert_apart(&boxes, &layout);
            let numbers = layout.lines.iter().flatten().chain(&layout.places);
            assert!(numbers.clone().all(|pair| pair.x.is_finite() && pair.y.is_finite()));
        }
        assert_eq!(of(0, &[]), Layout::default());
    }

    #[test]
    fn a_tangle_is_laid_out_soon() {
        let edges: Vec<(usize, usize)> = (0..300).flat_map(|to| (0..to).map(move |from| (from, to))).collect();
        let layout = of(300, &edges);
        assert_apart(&[BOX; 300], &layout);
        assert!(layout.lines.iter().map(Vec::len).sum::<usize>() <= 3 * edges.len() + 2 * PASSAGES_MAX);
    }
}

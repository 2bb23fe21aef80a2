//! The plot: bars of CPU against plain TCP, a panel a case, and one of the memory of silent connections.

use crate::plan::Plan;
use crate::results::{Results, median};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

const OURS: RGBColor = RGBColor(0xd6, 0x45, 0x27);
const OTHERS: RGBColor = RGBColor(0x5b, 0x8d, 0xb8);
const LIMIT: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);
const WIDTH: u32 = 1200;
const BAR: u32 = 22;

struct Panel {
    title: String,
    /// Names and values, from the top.
    bars: Vec<(String, f64)>,
    digits: usize,
}

pub fn draw(file: &Path, plan: &Plan, results: &Results) -> Drawn {
    let panels = panels(plan, results);
    let rows = panels.chunks(2);
    let heights: Vec<u32> =
        rows.clone().map(|row| 70 + BAR * row.iter().map(|panel| panel.bars.len() as u32).max().unwrap_or(0)).collect();
    let root = SVGBackend::new(file, (WIDTH, 50 + heights.iter().sum::<u32>())).into_drawing_area();
    root.fill(&WHITE)?;
    let (title, mut rest) = root.split_vertically(40);
    title.titled("An echo of WebSocket messages: less is better", ("sans-serif", 22))?;
    for (row, height) in rows.zip(heights) {
        let (area, below) = rest.split_vertically(height);
        for (panel, area) in row.iter().zip(area.split_evenly((1, 2))) {
            one(&area, panel)?;
        }
        rest = below;
    }
    root.present()?;
    Ok(())
}

fn panels(plan: &Plan, results: &Results) -> Vec<Panel> {
    let of_case = |(at, case): (usize, &crate::load::Case)| Panel {
        title: format!("{}: CPU per message, against plain TCP", case.name),
        bars: plan
            .programs
            .iter()
            .enumerate()
            .filter_map(|(number, program)| {
                Some((program.name.clone(), median(results.ratios(at, number, plan.base(number)))?))
            })
            .collect(),
        digits: 2,
    };
    let mut panels: Vec<Panel> = plan.cases.iter().enumerate().map(of_case).collect();
    let idle = |(number, program): (usize, &crate::plan::Program)| {
        let idle = results.idle.get(&number)?.as_ref().ok()?;
        Some((program.name.clone(), idle.bytes / 1024.0))
    };
    panels.push(Panel {
        title: format!("{} silent connections: KiB of the process for each", plan.idle),
        bars: plan.programs.iter().enumerate().filter_map(idle).collect(),
        digits: 2,
    });
    panels.retain(|panel| !panel.bars.is_empty());
    panels
}

fn one(area: &Area<'_>, panel: &Panel) -> Drawn {
    let bars = &panel.bars;
    let values = || bars.iter().map(|(_, value)| *value);
    let most = values().fold(2.0, f64::max);
    // On a logarithmic scale a bar begins somewhere: well below the least of them.
    let least = (values().fold(1.0, f64::min) / 2.0).max(0.01);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(8)
        .margin_right(20)
        .x_label_area_size(24)
        .y_label_area_size(160)
        .build_cartesian_2d((least..most * 2.0).log_scale(), (0..bars.len() - 1).into_segmented())?;
    let name = |place: &SegmentValue<usize>| match place {
        SegmentValue::CenterOf(at) | SegmentValue::Exact(at) => {
            bars.get(bars.len().wrapping_sub(at + 1)).map_or(String::new(), |(name, _)| name.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .y_labels(bars.len() + 1)
        .y_label_formatter(&name)
        .x_label_formatter(&|value| format!("{value}"))
        .draw()?;
    for (place, (name, value)) in bars.iter().rev().enumerate() {
        let color = match name.as_str() {
            "tcp" | "tcp-client" => LIMIT,
            name if name.starts_with("ours") => OURS,
            _ => OTHERS,
        };
        let corners = [(least, SegmentValue::Exact(place)), (value.max(least), SegmentValue::Exact(place + 1))];
        let mut bar = Rectangle::new(corners, color.filled());
        bar.set_margin(3, 3, 0, 0);
        chart.draw_series([bar])?;
        let middle = Pos::new(HPos::Left, VPos::Center);
        let style = ("sans-serif", 12).into_font().into_text_style(area).pos(middle);
        let label = Text::new(format!("{value:.*}", panel.digits), (4, 0), style);
        let end = (value.max(least), SegmentValue::CenterOf(place));
        chart.draw_series([EmptyElement::at(end) + label])?;
    }
    Ok(())
}

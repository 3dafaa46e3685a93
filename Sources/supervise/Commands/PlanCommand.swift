import SuperviseCore
import SuperviseFormats

/// `supervise plan --cost DURATION --mtbf DURATION`.
extension CommandCall {
    func plan() throws(Complaint) -> Answer {
        try refuseOperands(after: 0)
        guard let cost = values.cost, let mtbf = values.mtbf else {
            let missing = values.cost == nil ? "--cost" : "--mtbf"
            throw Complaint(
                "\(missing) is missing, as in supervise plan --cost 30s --mtbf 3h "
                    + "(\(command.helpCall))")
        }
        let model = GoodputModel(
            cost: cost.seconds, mtbf: mtbf.seconds, restart: values.restart.seconds)
        let forecast = Forecast(model, simulates: values.simulates)
        if values.json { return try json(forecast) }
        let view = ForecastView(
            forecast: forecast, width: surroundings.width ?? 100, isPlain: surroundings.isPlain)
        return Answer(text: view.render())
    }
}
